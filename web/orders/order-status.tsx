import type { ReactNode } from 'react';
import type { OrderStatus as Status } from '../gql/graphql.ts';
import { useWords } from '../words/language.tsx';

const LOOKS = { PLACED: 'warn', PAID: 'good', CANCELLED: '', PAYMENT_CANCELLED: '' } as const;

/** Where an order stands. */
export function OrderStatus({ status }: { status: Status }): ReactNode {
  const { orders: words } = useWords();
  return <span className={`badge ${LOOKS[status]}`}>{words.statuses[status]}</span>;
}
