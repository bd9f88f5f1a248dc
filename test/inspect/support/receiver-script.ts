/** The receiver of @statelyai/inspect as a script of a page. */
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

/** A page that writes down what the receiver gives, a line each. */
export async function receiverScript(): Promise<string> {
  const name = 'virtual:receiver';
  const source = `
    import { createBrowserReceiver } from '@statelyai/inspect';
    createBrowserReceiver().subscribe((event) => {
      const line = document.createElement('p');
      const what = event.event?.type ?? (event.definition ? 'defined' : '');
      line.textContent = [event.type, event.sessionId, what].join(' ');
      document.body.append(line);
    });`;
  const built = await build({
    configFile: false,
    logLevel: 'silent',
    plugins: [
      {
        name,
        resolveId: (id) =>
          id === name ? fileURLToPath(new URL('receiver.js', import.meta.url)) : null,
        load: (id) => (id.endsWith('/receiver.js') ? source : null),
      },
    ],
    build: {
      write: false,
      minify: true,
      rolldownOptions: { input: name, output: { format: 'es' } },
    },
  });
  const [first] = [built].flat();
  const code = first !== undefined && 'output' in first ? first.output[0].code : '';
  return code.replaceAll('</script', '<\\/script');
}
