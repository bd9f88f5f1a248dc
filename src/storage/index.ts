/** Storage of one's own: the ports, the records that cross them, and the storage that is there already. */
export * from '../actors/access-records.js';
export * from '../actors/delivery-records.js';
export * from '../actors/ports.js';
export * from '../actors/records.js';
export { type DatabaseOptions, openDatabase } from '../open-database.js';
export { hashOfTurn } from '../persistence/run-turns.js';
export * from './history-rows.js';
export * from './run-rows.js';
export * from './storage.js';
