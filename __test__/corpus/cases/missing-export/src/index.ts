import { nothing } from '@geekmidas/envkit';
console.log(nothing);
