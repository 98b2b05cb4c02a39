import { config } from 'shared-config';
console.log(config);
