import { config } from '#config';
import { lib } from '#lib/mail';
console.log(config, lib);
