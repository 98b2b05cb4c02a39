export * from '@geekmidas/envkit';
export { EnvironmentParser as Parser } from '@geekmidas/envkit';
