// Lets every thread of a process run TypeScript sources: `node --import` of this file. tsx alone
// reaches the main thread only, and the journal's worker is a thread.
import { register } from 'tsx/esm/api';

register();
