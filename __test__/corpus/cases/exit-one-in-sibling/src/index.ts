import './config';
import './check';
import './mail';
