import { patchPg, sqlWith } from './patch-pg.ts';

/** Preload: the process is killed after an order was committed and before anybody is told. */
const placing = new WeakSet<object>();
const places = sqlWith('insert into "shop_order"');

patchPg(
  (text) => text,
  (connection, text) => {
    if (places(text)) placing.add(connection);
    else if (text === 'commit' && placing.has(connection)) process.kill(process.pid, 'SIGKILL');
  },
);
