import type { App } from '../app.ts';

/** The text that `npm start` prints: the addresses, the operator's account, the demo data, and what to try first. */
export function describeApp({ url, pagesUrl, explorerUrl, databaseUrl, redisUrl, operator, demo, notes }: App): string {
  const lines = [
    '',
    `Onsale serves on ${url}`,
    `  pages        ${pagesUrl}   open this in a browser`,
    ...(explorerUrl ? [`  explorer     ${explorerUrl}   the schema, in a browser: three tabs are ready to run`] : []),
    `  operator     ${operator.name}${operator.password ? `   password ${operator.password}   (kept in ${operator.file})` : ''}`,
    ...(demo ? describeDemo(demo) : []),
    '  servers      another process joins with',
    `               DATABASE_URL=${databaseUrl}`,
    `               REDIS_URL=${redisUrl}`,
    ...notes.map((note) => `  note         ${note}`),
    ...(demo ? thingsToTry(url, demo) : []),
    '',
  ];
  return `${lines.join('\n')}\n`;
}

function describeDemo({ queuedConcertId, queueId, openConcertId, couponId }: NonNullable<App['demo']>): string[] {
  return [
    `  concert      ${queuedConcertId}   behind the queue`,
    `  queue        ${queueId}`,
    `  concert      ${openConcertId}   without a queue`,
    `  coupon       ${couponId}   for the first hundred`,
  ];
}

function thingsToTry(url: string, { openConcertId }: NonNullable<App['demo']>): string[] {
  const curl = (query: string): string =>
    `curl -s ${url} -H 'content-type: application/json' -d '${JSON.stringify({ query })}'`;
  return [
    'Try:',
    `  ${curl('{ concerts { edges { node { id title queue { id } shows { id date availableCount } } } } }')}`,
    `  ${curl(`{ availableDates(concertId: "${openConcertId}") { id date availableCount } }`)}`,
    `  ${curl('{ products(sort: PRICE_ASC) { edges { node { id name price stock } } } }')}`,
    `  npm run crowd -- 200${url.includes(':4000/') ? '' : ` --url ${url}`}        sends invented buyers through the demo queue`,
  ];
}
