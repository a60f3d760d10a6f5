import { useQuery } from '@apollo/client/react';
import type { ReactNode } from 'react';
import { Link } from 'react-router';
import { useSession } from '../account/session.ts';
import { FaultNotice } from '../frame/notices.tsx';
import { Loading, Page } from '../frame/page.tsx';
import { CouponsDocument, type IssuedFragment, MyCouponsDocument } from '../gql/graphql.ts';
import { pollEvery } from '../server/polls.ts';
import { ShopMenu } from '../shop/shop-menu.tsx';
import { useFormats } from '../words/formats.ts';
import { useWords } from '../words/language.tsx';
import { Claim } from './claim.tsx';
import look from './coupons.module.css';
import { useDiscount } from './discount.ts';

/** Milliseconds between two looks at what is left. */
const POLL_MS = 5_000;

/** The coupons that can be claimed now, and those that the user has. */
export default function CouponsPage(): ReactNode {
  const { coupons: words } = useWords();
  const { status } = useSession();
  const { data, error, refetch } = useQuery(CouponsDocument, {
    fetchPolicy: 'cache-and-network',
    ...pollEvery(POLL_MS),
  });
  const mine = useQuery(MyCouponsDocument, { skip: status !== 'signed-in', fetchPolicy: 'cache-and-network' });
  const coupons = data?.coupons.edges;
  const issued = new Map(mine.data?.myCoupons.map((each) => [each.coupon.id, each]));
  return (
    <Page title={words.title}>
      <ShopMenu />
      <section className="stack" aria-labelledby="on-offer">
        <h2 id="on-offer">{words.onOffer}</h2>
        {error && !coupons && <FaultNotice error={error} retry={() => void refetch()} />}
        {!coupons && !error && <Loading />}
        {coupons?.length === 0 && <p className="soft">{words.none}</p>}
        <ul className={look.grid}>
          {coupons?.map(({ node }) => (
            <Claim key={node.id} coupon={node} issued={issued.get(node.id)} />
          ))}
        </ul>
      </section>
      <section className="stack" aria-labelledby="mine">
        <h2 id="mine">{words.mine}</h2>
        {status === 'guest' && (
          <p>
            <Link to="/sign-in?next=/shop/coupons">{words.signInToSee}</Link>
          </p>
        )}
        {mine.error && !mine.data && <FaultNotice error={mine.error} retry={() => void mine.refetch()} />}
        {mine.data?.myCoupons.length === 0 && <p className="soft">{words.noneOfMine}</p>}
        <ul className="lines">
          {mine.data?.myCoupons.map((each) => (
            <Mine key={each.id} issued={each} />
          ))}
        </ul>
      </section>
    </Page>
  );
}

function Mine({ issued: { serial, status, coupon } }: { issued: IssuedFragment }): ReactNode {
  const { coupons: words } = useWords();
  const { number, dateTime } = useFormats();
  const discount = useDiscount();
  return (
    <li className="line">
      <div>
        <p className="strong">{coupon.name}</p>
        <p className="small soft">{discount(coupon)}</p>
        <p className="small soft">
          {words.number(number(serial))} · {words.until(dateTime(coupon.endsAt))}
        </p>
      </div>
      <span className={status === 'ISSUED' ? 'badge good' : 'badge'}>{words.statuses[status]}</span>
    </li>
  );
}
