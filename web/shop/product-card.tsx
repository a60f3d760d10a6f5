import { type ReactNode, useState } from 'react';
import { Link } from 'react-router';
import type { ProductForSaleFragment } from '../gql/graphql.ts';
import { useFormats } from '../words/formats.ts';
import { useWords } from '../words/language.tsx';
import { putInCart, useCart } from './cart.ts';
import { Quantity } from './quantity.tsx';
import look from './shop.module.css';
import { Stock } from './stock.tsx';

interface Props {
  readonly product: ProductForSaleFragment;
  /** Its place among the products that sell best. */
  readonly rank?: number;
}

/** One product, and the way to put it into the cart. */
export function ProductCard({ product, rank }: Props): ReactNode {
  const { shop: words } = useWords();
  const { money, number } = useFormats();
  const { id, name, description, category, price, stock, maxPerUser } = product;
  // The focus stays on the card when one control takes the place of the other.
  const [isTouched, setTouched] = useState(false);
  const put = (quantity: number): void => {
    setTouched(true);
    putInCart(id, quantity);
  };
  const inCart = useCart().find(({ productId }) => productId === id)?.quantity ?? 0;
  return (
    <li className={look.card}>
      <div className="spread">
        <Link className="small soft" to={`/shop?category=${encodeURIComponent(category)}`}>
          {category}
        </Link>
        {rank !== undefined && <span className={look.rank}>{words.rank(rank)}</span>}
      </div>
      <h3>{name}</h3>
      {description && <p className="small soft">{description}</p>}
      {maxPerUser !== null && <p className="small">{words.mostEach(number(maxPerUser))}</p>}
      <div className={look.end}>
        <div className="spread">
          <span className="strong figures">{money(price)}</span>
          <Stock stock={stock} />
        </div>
        {inCart > 0 ? (
          <Quantity of={name} value={inCart} autoFocus={isTouched} change={put} />
        ) : (
          <button
            type="button"
            className="button wide"
            disabled={stock === 0}
            aria-label={words.addToCart(name)}
            // biome-ignore lint/a11y/noAutofocus: the button that had the focus is no longer there
            autoFocus={isTouched}
            onClick={() => put(1)}
          >
            {stock === 0 ? words.soldOut : words.add}
          </button>
        )}
      </div>
    </li>
  );
}
