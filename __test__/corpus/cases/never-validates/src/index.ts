import './config';
import './mail';
