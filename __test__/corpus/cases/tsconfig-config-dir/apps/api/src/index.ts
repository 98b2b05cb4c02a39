import { config } from 'settings/config';
import { twice } from '~/twice';

const mark = (): ClassDecorator => () => {};
@mark()
class App { port = config.port; }
console.log(new App(), twice(2));
