import { replaceSql } from './patch-pg.ts';

/** Preload: a locked order is taken for PLACED, and its stock comes back, whatever became of it before. */
replaceSql([/(select "\w+"\.\*,)(.* from "shop_order" .* for update)$/, `$1 'PLACED' as "status",$2`]);
replaceSql(['and o.status = u.before', '']);
