import { serveParent } from './child.ts';
import { loadHttp, requestOf } from './http-load.ts';

/** What to ask, by whom. */
export interface Asking {
  readonly url: string;
  readonly query: string;
  readonly each: readonly { readonly variables: object; readonly accessToken: string }[];
  readonly connections: number;
  readonly forMs?: number;
  readonly once?: true;
}

serveParent(({ url, query, each, connections, forMs, once }: Asking) => {
  const requests = each.map(({ variables, accessToken }) =>
    requestOf(url, query, variables, { authorization: `Bearer ${accessToken}` }),
  );
  return loadHttp(url, requests, { connections, ...(forMs && { forMs }), ...(once && { once }) });
});
