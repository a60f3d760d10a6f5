import { useSyncExternalStore } from 'react';

/** Pieces of one product that the user means to order. */
export interface CartLine {
  readonly productId: string;
  readonly quantity: number;
}

const KEPT = 'onsale.cart';

let lines = kept();
const listeners = new Set<() => void>();

function kept(): readonly CartLine[] {
  return JSON.parse(localStorage.getItem(KEPT) ?? '[]') as CartLine[];
}

function become(next: readonly CartLine[]): void {
  lines = next;
  for (const listener of listeners) listener();
}

/** Says how many pieces of a product are in the cart from now on; 0 takes it out. The cart is kept in this browser. */
export function putInCart(productId: string, quantity: number): void {
  const isIn = lines.some((line) => line.productId === productId);
  const others = lines.filter((line) => line.productId !== productId);
  const line = { productId, quantity };
  if (quantity <= 0) keep(others);
  else keep(isIn ? lines.map((each) => (each.productId === productId ? line : each)) : [...lines, line]);
}

export function emptyCart(): void {
  keep([]);
}

function keep(next: readonly CartLine[]): void {
  localStorage.setItem(KEPT, JSON.stringify(next));
  become(next);
}

/** The lines of the cart, in the order in which they were added. */
export function useCart(): readonly CartLine[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    () => lines,
  );
}

// Another tab has changed the cart.
addEventListener('storage', ({ key }) => {
  if (key === KEPT) become(kept());
});
