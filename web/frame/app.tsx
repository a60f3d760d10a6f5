import { useQuery } from '@apollo/client/react';
import { CSPProvider } from '@base-ui/react/csp-provider';
import { lazy, type ReactNode, Suspense } from 'react';
import { BrowserRouter, Route, Routes } from 'react-router';
import { ConcertsPage } from '../concerts/concerts-page.tsx';
import { SettingsDocument } from '../gql/graphql.ts';
import { SettingsProvider } from '../words/settings.tsx';
import { Frame } from './frame.tsx';
import { FaultNotice } from './notices.tsx';
import { Loading, NotFound } from './page.tsx';

const SignInPage = lazy(() => import('../account/sign-in-page.tsx'));
const ShopPage = lazy(() => import('../shop/shop-page.tsx'));
const CartPage = lazy(() => import('../shop/cart-page.tsx'));
const CouponsPage = lazy(() => import('../coupons/coupons-page.tsx'));
const OrdersPage = lazy(() => import('../orders/orders-page.tsx'));
const OrderPage = lazy(() => import('../orders/order-page.tsx'));
const AccountPage = lazy(() => import('../account/account-page.tsx'));
const TicketsPage = lazy(() => import('../tickets/tickets-page.tsx'));
const TicketPage = lazy(() => import('../tickets/ticket-page.tsx'));
const WalletPage = lazy(() => import('../wallet/wallet-page.tsx'));
const ConcertPage = lazy(() => import('../concerts/concert-page.tsx'));
const ReservationPage = lazy(() => import('../purchase/reservation-page.tsx'));
const SeatsPage = lazy(() => import('../seats/seats-page.tsx'));
const WaitingPage = lazy(() => import('../queue/waiting-page.tsx'));

/** The pages by their paths. Each is loaded when it is wanted, but the first. */
export function App(): ReactNode {
  return (
    <CSPProvider disableStyleElements>
      <BrowserRouter>
        <Frame>
          <Known>
            <Suspense fallback={<Loading />}>
              <Routes>
                <Route path="/" element={<ConcertsPage />} />
                <Route path="/concerts/:slug" element={<ConcertPage />} />
                <Route path="/concerts/:slug/waiting" element={<WaitingPage />} />
                <Route path="/concerts/:slug/shows/:showId" element={<SeatsPage />} />
                <Route path="/reservations/:id" element={<ReservationPage />} />
                <Route path="/sign-in" element={<SignInPage />} />
                <Route path="/shop" element={<ShopPage />} />
                <Route path="/shop/cart" element={<CartPage />} />
                <Route path="/shop/coupons" element={<CouponsPage />} />
                <Route path="/shop/orders" element={<OrdersPage />} />
                <Route path="/shop/orders/:id" element={<OrderPage />} />
                <Route path="/account" element={<AccountPage />} />
                <Route path="/tickets" element={<TicketsPage />} />
                <Route path="/tickets/:id" element={<TicketPage />} />
                <Route path="/wallet" element={<WalletPage />} />
                <Route path="*" element={<NotFound />} />
              </Routes>
            </Suspense>
          </Known>
        </Frame>
      </BrowserRouter>
    </CSPProvider>
  );
}

/** Shows what is inside once the settings of the deployment are known. */
function Known({ children }: { children: ReactNode }): ReactNode {
  const { data, error, refetch } = useQuery(SettingsDocument);
  if (data) return <SettingsProvider settings={data.settings}>{children}</SettingsProvider>;
  return error ? <FaultNotice error={error} retry={() => void refetch()} /> : <Loading />;
}
