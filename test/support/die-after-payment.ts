import { patchPg, sqlWith } from './patch-pg.ts';

/** Preload: the process is killed after a payment, or its cancellation, was committed and before anybody is told. */
const paying = new WeakSet<object>();
const pays = sqlWith(/^(insert into|update) "payment"/);

patchPg(
  (text) => text,
  (connection, text) => {
    if (pays(text)) paying.add(connection);
    else if (text === 'commit' && paying.has(connection)) process.kill(process.pid, 'SIGKILL');
  },
);
