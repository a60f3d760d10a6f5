import { type ReactNode, useState } from 'react';
import type { ProductSort } from '../gql/graphql.ts';
import { useWords } from '../words/language.tsx';
import look from './shop.module.css';

interface Props {
  readonly search: string;
  readonly category: string;
  readonly sort: ProductSort;
  readonly inStock: boolean;
  /** Called with the name of what is narrowed by, and its value; empty for not any more. */
  readonly change: (name: 'search' | 'category' | 'sort' | 'inStock', value: string) => void;
}

/** By what the products are narrowed and sorted. */
export function Search({ search, category, sort, inStock, change }: Props): ReactNode {
  const { shop: words } = useWords();
  const [text, setText] = useState(search);
  return (
    <search className={look.search}>
      <form
        className={look.searchText}
        onSubmit={(event) => {
          event.preventDefault();
          change('search', text.trim());
        }}
      >
        <input
          className="input"
          type="search"
          name="search"
          aria-label={words.search}
          placeholder={words.search}
          value={text}
          onChange={({ target }) => {
            setText(target.value);
            if (target.value === '') change('search', '');
          }}
        />
        <button type="submit" className="button">
          {words.find}
        </button>
      </form>
      <select
        className="input"
        aria-label={words.sort}
        value={sort}
        onChange={({ target }) => change('sort', target.value)}
      >
        {Object.entries(words.sorts).map(([name, label]) => (
          <option key={name} value={name}>
            {label}
          </option>
        ))}
      </select>
      <label className="check">
        <input
          type="checkbox"
          checked={inStock}
          onChange={({ target }) => change('inStock', target.checked ? 'true' : '')}
        />
        {words.inStock}
      </label>
      {category && (
        <button type="button" className="button" onClick={() => change('category', '')}>
          {words.withoutCategory(category)}
        </button>
      )}
    </search>
  );
}
