import { useMutation, useQuery } from '@apollo/client/react';
import { Field } from '@base-ui/react/field';
import { Form } from '@base-ui/react/form';
import { type ReactNode, useState } from 'react';
import { Link, useNavigate } from 'react-router';
import { useSession } from '../account/session.ts';
import { FaultNotice, FormFault } from '../frame/notices.tsx';
import { Loading, Page } from '../frame/page.tsx';
import { PlaceOrderDocument, type ProductForSaleFragment, ProductsOfCartDocument } from '../gql/graphql.ts';
import { errorsOf } from '../server/faults.ts';
import { keyOf, settle } from '../server/intents.ts';
import { useFormats } from '../words/formats.ts';
import { useWords } from '../words/language.tsx';
import { type CartLine, emptyCart, putInCart, useCart } from './cart.ts';
import { CouponChoice } from './coupon-choice.tsx';
import { OrderRefusal } from './order-refusal.tsx';
import { Quantity } from './quantity.tsx';
import { ShopMenu } from './shop-menu.tsx';
import { Stock } from './stock.tsx';

/** The cart, and the order that is made of it. */
export default function CartPage(): ReactNode {
  const { shop: words } = useWords();
  const lines = useCart();
  const ids = lines.map(({ productId }) => productId);
  const { data, previousData, error, refetch } = useQuery(ProductsOfCartDocument, {
    variables: { ids },
    skip: ids.length === 0,
    fetchPolicy: 'cache-and-network',
  });
  const found = (data ?? previousData)?.products.edges;
  const products = new Map(found?.map(({ node }) => [node.id, node]));
  return (
    <Page title={words.cart}>
      <ShopMenu />
      {lines.length === 0 && (
        <div className="empty">
          <h2>{words.emptyCart}</h2>
          <p className="soft">{words.emptyCartHelp}</p>
          <Link className="button primary" to="/shop">
            {words.toProducts}
          </Link>
        </div>
      )}
      {lines.length > 0 && error && !found && <FaultNotice error={error} retry={() => void refetch()} />}
      {lines.length > 0 && !found && !error && <Loading />}
      {lines.length > 0 && found && (
        <div className="columns">
          <ul className="lines">
            {lines.map((line) => (
              <Line key={line.productId} line={line} product={products.get(line.productId)} isKnown={!!data} />
            ))}
          </ul>
          <OrderForm lines={lines} products={products} />
        </div>
      )}
    </Page>
  );
}

interface LineProps {
  readonly line: CartLine;
  readonly product: ProductForSaleFragment | undefined;
  /** Whether a product that is not there is no longer for sale. */
  readonly isKnown: boolean;
}

function Line({ line: { productId, quantity }, product, isKnown }: LineProps): ReactNode {
  const { shop: words } = useWords();
  const { money } = useFormats();
  const name = product?.name ?? (isKnown ? words.gone : words.loadingProduct);
  return (
    <li className="line">
      <div>
        <p className="strong">{name}</p>
        {product && (
          <p className="small soft row">
            <span className="figures">{money(product.price)}</span> <Stock stock={product.stock} />
          </p>
        )}
      </div>
      <p className="strong figures">{product && money(product.price * quantity)}</p>
      <div>
        <Quantity of={name} value={quantity} min={1} change={(wanted) => putInCart(productId, wanted)} />
      </div>
      <button
        type="button"
        className="button quiet"
        aria-label={words.removeOf(name)}
        onClick={() => putInCart(productId, 0)}
      >
        {words.remove}
      </button>
    </li>
  );
}

interface FormProps {
  readonly lines: readonly CartLine[];
  readonly products: ReadonlyMap<string, ProductForSaleFragment>;
}

function OrderForm({ lines, products }: FormProps): ReactNode {
  const { shop: words } = useWords();
  const { money } = useFormats();
  const { status } = useSession();
  const navigate = useNavigate();
  const [issuedCouponId, setCoupon] = useState<string | null>(null);
  const [place, { data, loading, error, reset }] = useMutation(PlaceOrderDocument);
  const answer = data?.placeOrder;
  const subtotal = lines.reduce(
    (sum, { productId, quantity }) => sum + (products.get(productId)?.price ?? 0) * quantity,
    0,
  );

  const send = async ({ memo }: { memo: string }): Promise<void> => {
    const wanted = { lines: lines.map(({ productId, quantity }) => ({ productId, quantity })), issuedCouponId, memo };
    const input = { ...wanted, idempotencyKey: keyOf('order', wanted) };
    const result = (await place({ variables: { input } })).data?.placeOrder;
    settle('order');
    if (result?.__typename !== 'Order') return;
    emptyCart();
    await navigate(`/shop/orders/${result.id}`);
  };

  return (
    <Form<{ memo: string }>
      className="card stack"
      errors={errorsOf(error)}
      onFormSubmit={(values) => void send(values).catch(() => undefined)}
    >
      <h2>{words.yourOrder}</h2>
      {status === 'signed-in' && <CouponChoice chosen={issuedCouponId} choose={setCoupon} />}
      <Field.Root className="field" name="memo">
        <Field.Label>{words.memo}</Field.Label>
        <Field.Control className="input" autoComplete="off" />
        <Field.Error className="field-error" lang="en" />
      </Field.Root>
      <dl className="facts">
        <div>
          <dt>{words.subtotal}</dt>
          <dd className="figures">{money(subtotal)}</dd>
        </div>
      </dl>
      <p className="small soft">{words.beforePaying}</p>
      {answer && answer.__typename !== 'Order' && (
        <OrderRefusal
          refusal={answer}
          nameOf={(id) => products.get(id)?.name ?? words.gone}
          mended={reset}
          withoutCoupon={() => setCoupon(null)}
        />
      )}
      <FormFault error={error} fields={['memo']} />
      {status === 'guest' ? (
        <Link className="button primary wide" to="/sign-in?next=/shop/cart">
          {words.signInToOrder}
        </Link>
      ) : (
        <button type="submit" className="button primary wide" disabled={loading}>
          {loading ? words.ordering : words.order}
        </button>
      )}
    </Form>
  );
}
