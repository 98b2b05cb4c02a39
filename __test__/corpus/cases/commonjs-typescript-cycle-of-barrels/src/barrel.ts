export * from './first';
export { second } from './second';
export * as named from './second';
