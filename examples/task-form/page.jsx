/** Shows what is asked, each question with the form that its schema makes, and sends the answers. */
import Form from '@rjsf/core';
import validator from '@rjsf/validator-ajv8';
import { useCallback, useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { createClient } from 'runchart/client';

const runchart = createClient({ url: new URL('runchart', location.href).href });

/** The open tasks, read again every second and whenever `refresh` is called. */
function useTasks() {
  const [tasks, setTasks] = useState([]);
  const refresh = useCallback(async () => {
    // While nobody answers, what was read before stays.
    const answer = await runchart.listTasks().catch(() => undefined);
    if (answer !== undefined) setTasks(answer.tasks);
  }, []);
  useEffect(() => {
    void refresh();
    const timer = setInterval(refresh, 1_000);
    return () => clearInterval(timer);
  }, [refresh]);
  return { tasks, refresh };
}

function Task({ task, onAnswered }) {
  const { objective, instructions, input } = task.presented;
  const [refusal, setRefusal] = useState();
  const answer = async (response) => {
    try {
      // By its digest the answer is to what was shown here, and to nothing that came later.
      await runchart.respond({ id: task.id, body: { response, digest: task.digest } });
      onAnswered();
    } catch (error) {
      setRefusal(error);
    }
  };
  return (
    <section aria-label={task.node}>
      <h2>{objective ?? task.node}</h2>
      {instructions && <p>{instructions}</p>}
      {input && Object.keys(input).length > 0 && <pre>{JSON.stringify(input, null, 2)}</pre>}
      <Form
        schema={task.responseSchema ?? {}}
        validator={validator}
        noHtml5Validate
        onSubmit={({ formData }) => void answer(formData)}
      />
      {refusal && (
        <div role="alert">
          <p>{refusal.message}</p>
          <ul>
            {refusal.issues?.map(({ path, message }) => (
              <li key={`${path} ${message}`}>{[path, message].join(' ')}</li>
            ))}
          </ul>
        </div>
      )}
    </section>
  );
}

function Tasks() {
  const { tasks, refresh } = useTasks();
  if (tasks.length === 0) return <p>Nothing is asked.</p>;
  // A task keeps what was typed into its form while the others change.
  return tasks.map((task) => <Task key={task.id} task={task} onAnswered={refresh} />);
}

createRoot(document.getElementById('root')).render(<Tasks />);
