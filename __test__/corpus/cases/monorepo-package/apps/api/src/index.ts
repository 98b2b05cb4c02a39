import { config } from '@acme/config';
console.log(config);
