import { useQuery } from '@apollo/client/react';
import type { ReactNode } from 'react';
import { Link } from 'react-router';
import { More } from '../frame/more.tsx';
import { FaultNotice } from '../frame/notices.tsx';
import { ForUsers, Loading, Page } from '../frame/page.tsx';
import { type OrderRowFragment, OrdersDocument } from '../gql/graphql.ts';
import { ShopMenu } from '../shop/shop-menu.tsx';
import { useFormats } from '../words/formats.ts';
import { useWords } from '../words/language.tsx';
import { OrderStatus } from './order-status.tsx';
import look from './orders.module.css';

/** The orders of the user, the latest first. */
export default function OrdersPage(): ReactNode {
  const { orders: words } = useWords();
  return (
    <Page title={words.title}>
      <ShopMenu />
      <ForUsers>
        <Orders />
      </ForUsers>
    </Page>
  );
}

function Orders(): ReactNode {
  const { orders: words, shop } = useWords();
  const { data, error, refetch, fetchMore } = useQuery(OrdersDocument, { fetchPolicy: 'cache-and-network' });
  const orders = data?.orders;
  if (error && !orders) return <FaultNotice error={error} retry={() => void refetch()} />;
  if (!orders) return <Loading />;
  if (orders.edges.length === 0) {
    return (
      <div className="empty">
        <h2>{words.none}</h2>
        <p className="soft">{words.noneHelp}</p>
        <Link className="button primary" to="/shop">
          {shop.toProducts}
        </Link>
      </div>
    );
  }
  return (
    <>
      <ul className="lines">
        {orders.edges.map(({ node }) => (
          <Row key={node.id} order={node} />
        ))}
      </ul>
      <More pageInfo={orders.pageInfo} fetchMore={fetchMore} />
    </>
  );
}

function Row({ order: { id, status, total, createdAt, lines } }: { order: OrderRowFragment }): ReactNode {
  const { orders: words } = useWords();
  const { money, number, dateTime } = useFormats();
  const first = lines[0];
  const others = lines.length - 1;
  return (
    <li className={`line ${look.order}`}>
      <Link to={`/shop/orders/${id}`}>
        {first && words.summary(first.product.name, number(first.quantity), others > 0 ? number(others) : '')}
      </Link>
      <span className="strong figures">{money(total)}</span>
      <span className="small soft">{dateTime(createdAt)}</span>
      <OrderStatus status={status} />
    </li>
  );
}
