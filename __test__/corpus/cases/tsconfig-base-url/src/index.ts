import get from 'lodash.get';
import { config } from 'config';
import { users } from 'users/users.service';

console.log(get(config, 'port'), users);
