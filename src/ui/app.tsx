import { render } from 'preact';

function App() {
  return <h1>Memories</h1>;
}

render(<App />, document.body);
