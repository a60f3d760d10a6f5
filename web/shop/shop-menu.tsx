import type { ReactNode } from 'react';
import { NavLink } from 'react-router';
import { useFormats } from '../words/formats.ts';
import { useWords } from '../words/language.tsx';
import { useCart } from './cart.ts';
import look from './shop.module.css';

/** The way between the pages of the shop, with the number of pieces in the cart. */
export function ShopMenu(): ReactNode {
  const { shop: words } = useWords();
  const { number } = useFormats();
  const pieces = useCart().reduce((sum, { quantity }) => sum + quantity, 0);
  return (
    <nav className={look.menu} aria-label={words.menu}>
      <NavLink to="/shop" end>
        {words.products}
      </NavLink>
      <NavLink to="/shop/cart">
        {words.cart}
        {pieces > 0 && <span className={look.count}>{number(pieces)}</span>}
      </NavLink>
      <NavLink to="/shop/coupons">{words.coupons}</NavLink>
      <NavLink to="/shop/orders">{words.orders}</NavLink>
    </nav>
  );
}
