import { render } from 'preact';
import { Shell } from './components/shell.tsx';

render(<Shell />, document.body);
