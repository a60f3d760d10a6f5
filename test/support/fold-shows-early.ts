import './fold-shows-often.ts';
import { replaceSql } from './patch-pg.ts';

/** Preload: shows are added up often, up to the present, whatever transactions are under way. */
replaceSql(['least(clock_timestamp(), min(xact_start))::text', 'max(clock_timestamp())::text']);
