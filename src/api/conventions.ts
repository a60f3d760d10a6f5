/** What holds for all fields, as the description of the schema. */
export const CONVENTIONS = `The interface of Onsale, the open back end for an on-sale.

**Refusals.** A mutation that can refuse answers a union: what it made or changed, or a refusal, which implements Problem and is
what a well-behaved client meets in normal use. Other mutations answer the thing itself.

**Errors.** The top-level \`errors\` are for callers in the wrong and for faults. \`extensions.code\` is \`UNAUTHENTICATED\`, \`FORBIDDEN\`,
\`NOT_FOUND\`, \`BAD_USER_INPUT\` (\`extensions.argument\` names what is wrong), \`QUEUE_TOKEN_REQUIRED\` (\`extensions.queue\` has id and
state), \`RATE_LIMITED\` (\`extensions.retryAfterMs\` says when to ask again), \`SERVICE_UNAVAILABLE\` (nothing was done or the outcome is
unknown: ask again with the same key), \`INTERNAL_SERVER_ERROR\` (\`extensions.requestId\` names it in the log), or one of Apollo Server's.
A literal of the wrong shape may be \`GRAPHQL_VALIDATION_FAILED\` where a variable is \`BAD_USER_INPUT\`.

**Partial answers.** An error of one field leaves what else the document asked for: its \`path\` names the field, which is null. Where the
field cannot be null, the next outer one that can is null instead; at the root of the document that is the whole \`data\`. \`me\`,
\`wallet\`, \`availableDates\`, \`availableSeats\` and \`seatMap\` can be null, so that a page may ask for all of them at once.

**Signing in.** Header \`authorization: Bearer <accessToken>\`, over a WebSocket \`connectionParams.authorization\`. Fields of which the
description says that anybody may ask, and @queued queries of a concert without a queue, need none; every other field is
\`UNAUTHENTICATED\` without a user. A bad access token is \`UNAUTHENTICATED\` everywhere, and a WebSocket is closed with 4403.

**Ids.** An id that is unknown or another user's answers null where the field says so, else \`NOT_FOUND\`. Text that cannot be an id
is \`BAD_USER_INPUT\`.

**Idempotency keys.** A client makes a key of 1 .. 128 printable characters, and keeps it, before it sends; it applies to one user
and one mutation. Sent again with the same input it has no second effect: it answers the same type and id, with fields as they are
now, and refusals again. Faults are not kept. With other input it is refused as \`IDEMPOTENCY_CONFLICT\`. Keys of mutations that move
money (\`charge\`, \`chargeWallet\`, \`cancelCharge\`, \`adjustWallet\`, \`pay\`, \`cancelPayment\`, \`refundPayment\`) are kept for good, others
for 24 hours.

**Lists.** A connection is newest first unless its field says otherwise. \`first\` takes rows from the start or behind \`after\`, \`last\` from
the end or before \`before\`, 1 .. 100 and 20 when both are left out; the rows of a page are always in the order of the list. \`first\`
together with \`last\`, and a cursor that this list in this order did not give, are \`BAD_USER_INPUT\`. Cursors are opaque, and a
row that comes or goes between two pages neither repeats nor hides another. Times are of the clock of PostgreSQL.`;

/** What the root types are for, by their name. */
export const ROOTS = {
  Query: 'What can be read. No query changes anything, but some count as presence in a queue',
  Mutation:
    'What can be changed. The mutations of one document run one after another, each in a transaction of its own',
  Subscription:
    'What can be watched, over a WebSocket (graphql-transport-ws) or as server-sent events (POST /graphql/stream)',
} as const;
