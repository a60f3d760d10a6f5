import { patchPg } from './patch-pg.ts';

/** Preload: the process is killed after a payment, or its cancellation, was committed and before anybody is told. */
const paying = new WeakSet<object>();

patchPg(
  (text) => text,
  (connection, text) => {
    if (/(insert into|update) "payment"/.test(text)) paying.add(connection);
    else if (text === 'commit' && paying.has(connection)) process.kill(process.pid, 'SIGKILL');
  },
);
