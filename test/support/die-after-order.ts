import { patchPg } from './patch-pg.ts';

/** Preload: the process is killed after an order was committed and before anybody is told. */
const placing = new WeakSet<object>();

patchPg(
  (text) => text,
  (connection, text) => {
    if (text.includes('insert into shop_order')) placing.add(connection);
    else if (text === 'commit' && placing.has(connection)) process.kill(process.pid, 'SIGKILL');
  },
);
