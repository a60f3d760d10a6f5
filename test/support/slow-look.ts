import { patchPg } from './patch-pg.ts';

/** Preload: a look at seats takes long, as on a database that is overloaded. */
patchPg((text) => (text.includes('as "onSale"') ? `${text} and pg_sleep(1.5) is not null` : text));
