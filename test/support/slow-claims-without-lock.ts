import './slow-claims.ts';
import { replaceSql } from './patch-pg.ts';

/** Preload: as slow-claims, and alerts are claimed without their row locks. */
replaceSql([/(from "alert".*) for update skip locked/, '$1']);
