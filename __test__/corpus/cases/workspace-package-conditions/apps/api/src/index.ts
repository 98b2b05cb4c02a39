import { config } from '@acme/config';
import { flags } from '@acme/config/flags';
console.log(config.port, flags.beta);
