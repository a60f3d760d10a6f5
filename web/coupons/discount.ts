import type { TermsFragment } from '../gql/graphql.ts';
import { useFormats } from '../words/formats.ts';
import { useWords } from '../words/language.tsx';

/** Says what a coupon takes off, and from which subtotal on. */
export function useDiscount(): (coupon: TermsFragment) => string {
  const { coupons: words } = useWords();
  const { money, number } = useFormats();
  return ({ discountKind, value, minimumSubtotal }) => {
    const off = discountKind === 'PERCENT' ? words.percentOff(number(value)) : words.amountOff(money(value));
    return minimumSubtotal > 0 ? `${off} · ${words.minimum(money(minimumSubtotal))}` : off;
  };
}
