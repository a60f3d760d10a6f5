// A list that is paged in both directions. Onsale has no `node`: a list of its own is a fragment on Query, which Relay
// refetches as a query.
import {
  createOperationDescriptor,
  type Environment,
  getFragment,
  getRequest,
  getSingularSelector,
  graphql,
} from 'relay-runtime';
import type { concerts_list$data } from './__generated__/concerts_list.graphql.ts';
import concertsPageQuery, { type concertsPageQuery as PageQuery } from './__generated__/concertsPageQuery.graphql.ts';
import type { concertsQuery as FirstQuery } from './__generated__/concertsQuery.graphql.ts';
import { query } from './environment.ts';

const LIST = graphql`
  fragment concerts_list on Query
  @argumentDefinitions(
    first: { type: "Int" }
    after: { type: "String" }
    last: { type: "Int" }
    before: { type: "String" }
  )
  @refetchable(queryName: "concertsPageQuery") {
    concerts(first: $first, after: $after, last: $last, before: $before) @connection(key: "list_concerts") {
      edges {
        node {
          id
          slug
          title
          queue {
            id
          }
        }
      }
      pageInfo {
        startCursor
        endCursor
        hasNextPage
        hasPreviousPage
      }
    }
  }
`;

const FIRST_PAGE = graphql`
  query concertsQuery($first: Int, $last: Int) {
    ...concerts_list @arguments(first: $first, last: $last)
  }
`;

/** A list that starts with the first or the last page. What `usePaginationFragment` of react-relay does in a page. */
export async function openConcerts(environment: Environment, firstPage: FirstQuery['variables']) {
  const operation = createOperationDescriptor(getRequest(FIRST_PAGE), firstPage);
  // Kept in the store until it is disposed of.
  const kept = environment.retain(operation);
  await query<FirstQuery>(environment, FIRST_PAGE, firstPage);
  const { data } = environment.lookup(operation.fragment);
  const selector = getSingularSelector(getFragment(LIST), data);
  const read = () => (environment.lookup(selector).data as unknown as concerts_list$data).concerts;
  return {
    /** All pages that were loaded, as one. */
    read,
    loadNext: (first: number) =>
      query<PageQuery>(environment, concertsPageQuery, { first, after: read().pageInfo.endCursor }),
    loadPrevious: (last: number) =>
      query<PageQuery>(environment, concertsPageQuery, { last, before: read().pageInfo.startCursor }),
    close: () => kept.dispose(),
  };
}
