import './hold-up-audit.ts';
import { replaceSql } from './patch-pg.ts';

/** Preload: an audit that is held up judges holds by when it began instead of by the clock. */
replaceSql(['select clock_timestamp() as at', 'select now() as at']);
