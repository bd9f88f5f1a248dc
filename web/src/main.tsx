import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.js';
import { openSession } from './server.js';
import './style.css';

const place = document.getElementById('root');
if (place === null) throw new Error('the page has no place for itself');
const root = createRoot(place);

openSession()
  .then(() =>
    root.render(
      <StrictMode>
        <App run={new URLSearchParams(location.search).get('run')} />
      </StrictMode>,
    ),
  )
  .catch((error: Error) => root.render(<p className="problem">{error.message}</p>));
