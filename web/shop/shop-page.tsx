import { useQuery } from '@apollo/client/react';
import type { ReactNode } from 'react';
import { useSearchParams } from 'react-router';
import { More } from '../frame/more.tsx';
import { FaultNotice } from '../frame/notices.tsx';
import { Loading, Page } from '../frame/page.tsx';
import { BestSellersDocument, type ProductSort, ProductsDocument } from '../gql/graphql.ts';
import { pollEvery } from '../server/polls.ts';
import { useWords } from '../words/language.tsx';
import { ProductCard } from './product-card.tsx';
import { Search } from './search.tsx';
import look from './shop.module.css';
import { ShopMenu } from './shop-menu.tsx';

/** Milliseconds between two looks at what sells best. */
const POLL_MS = 30_000;

/** The products: those that sell best, and all or those that a search finds. What is searched for stands in the URL. */
export default function ShopPage(): ReactNode {
  const { shop: words } = useWords();
  const [params, setParams] = useSearchParams();
  const search = params.get('search') ?? '';
  const category = params.get('category') ?? '';
  const sort = (params.get('sort') ?? 'NEWEST') as ProductSort;
  const inStock = params.has('inStock');
  const filter = { ...(search && { search }), ...(category && { category }), ...(inStock && { inStock }) };
  const isNarrowed = Object.keys(filter).length > 0;
  const { data, previousData, error, refetch, fetchMore } = useQuery(ProductsDocument, {
    variables: { filter, sort },
    fetchPolicy: 'cache-and-network',
  });
  const { products } = data ?? previousData ?? {};

  const change = (name: string, value: string): void =>
    setParams(
      (before) => {
        const next = new URLSearchParams(before);
        if (value === '') next.delete(name);
        else next.set(name, value);
        return next;
      },
      { replace: true },
    );

  return (
    <Page title={words.title}>
      <ShopMenu />
      {!isNarrowed && <BestSellers />}
      <section className="stack" aria-labelledby="products">
        <h2 id="products">{isNarrowed ? words.found : words.all}</h2>
        <Search search={search} category={category} sort={sort} inStock={inStock} change={change} />
        {error && <FaultNotice error={error} retry={() => void refetch()} />}
        {!products && !error && <Loading />}
        {products?.edges.length === 0 && (
          <div className="empty">
            <p className="strong">{isNarrowed ? words.nothingFound : words.none}</p>
            {isNarrowed && (
              <button type="button" className="button" onClick={() => setParams({})}>
                {words.showAll}
              </button>
            )}
          </div>
        )}
        <ul className={look.grid}>
          {products?.edges.map(({ node }) => (
            <ProductCard key={node.id} product={node} />
          ))}
        </ul>
        <More pageInfo={products?.pageInfo} fetchMore={fetchMore} />
      </section>
    </Page>
  );
}

/** What sold best in the last days; nothing before anything was sold. */
function BestSellers(): ReactNode {
  const { shop: words } = useWords();
  const { data } = useQuery(BestSellersDocument, {
    fetchPolicy: 'cache-and-network',
    ...pollEvery(POLL_MS),
  });
  if (!data || data.bestSellers.length === 0) return null;
  return (
    <section className="stack" aria-labelledby="best">
      <h2 id="best">{words.best}</h2>
      <ul className={look.grid}>
        {data.bestSellers.map(({ rank, product }) => (
          <ProductCard key={product.id} product={product} rank={rank} />
        ))}
      </ul>
    </section>
  );
}
