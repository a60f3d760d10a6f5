import './hold-up-audit.ts';
import { patchPg } from './patch-pg.ts';

/** Preload: an audit that is held up judges holds by when it began instead of by the clock. */
patchPg((text) => text.replace('select clock_timestamp() as at', 'select now() as at'));
