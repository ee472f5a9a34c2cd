/** The run as a Python program in two forms, and what the command line makes of the saved run. */

import { useQuery } from "@tanstack/react-query";
import { Download } from "lucide-react";
import { useState } from "react";
import { postCode } from "@/api/client";
import { asApiError } from "@/api/errors";
import type { ReadyModel } from "@/api/queries";
import type { CodeRequest, InterventionIn, RunFile } from "@/api/types";
import { Button } from "@/components/Button";
import { CopyButton } from "@/components/CopyButton";
import { Failure } from "@/components/Failure";
import { Modal } from "@/components/Modal";
import { Segmented } from "@/components/Segmented";
import { download, textFile } from "@/lib/download";
import { valueKey } from "@/lib/values";
import { presentRun, runName, saveRun } from "./actions";
import styles from "./Share.module.css";

type Form = CodeRequest["form"];
const FORMS = [
  { value: "lm_debugger", label: "With lm_debugger" },
  { value: "transformers", label: "With plain transformers" },
] as const satisfies readonly { value: Form; label: string }[];

export function CodeDialog({ model, onClose }: { model: ReadyModel; onClose(): void }) {
  // What is on the page cannot change while the dialog is over it.
  const [run] = useState(() => presentRun(model));
  const [form, setForm] = useState<Form>("lm_debugger");
  return (
    <Modal title="Copy as Python" onClose={onClose}>
      <p className={styles.quiet}>
        Prints the page’s numbers: the likeliest tokens at the traced position and the text that
        Generate gives, without and with the interventions.
      </p>
      <Program run={run} form={form} onForm={setForm} />
      <CommandLine run={run} onSave={() => saveRun(model)} />
    </Modal>
  );
}

interface ProgramProps {
  run: RunFile;
  form: Form;
  onForm(form: Form): void;
}

function Program({ run, form, onForm }: ProgramProps) {
  const body: CodeRequest = { run: { ...run, page: null }, form };
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["code", body],
    queryFn: ({ signal }) => postCode(body, signal),
  });
  const file = runName(run).replace(/json$/, "py");
  return (
    <section className={styles.section} aria-label="Python program">
      <div className={styles.row}>
        <Segmented label="Form of the program" value={form} options={FORMS} onChange={onForm} />
        <div className={styles.tools}>
          {data !== undefined && <CopyButton text={data} label="Copy the program" />}
          <Button
            disabled={data === undefined}
            onClick={() => data && download(file, textFile(data, "text/x-python"))}
          >
            <Download aria-hidden /> Save .py
          </Button>
        </div>
      </div>
      {error ? (
        <Failure error={asApiError(error)} onRetry={() => void refetch()} />
      ) : (
        <section
          className={styles.program}
          aria-label="The program"
          aria-busy={isPending}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
          tabIndex={0}
          dir="ltr"
        >
          <pre>{data ?? "Writing the program…"}</pre>
        </section>
      )}
    </section>
  );
}

/** Why these interventions cannot be part of the weights; null if they can. */
function cannotBake(interventions: readonly InterventionIn[]): string | null {
  if (interventions.length === 0) return "There are no interventions, so there is nothing to bake.";
  const partial = interventions.filter(
    ({ positions, generated }) => (positions ?? "all") !== "all" || generated === false,
  );
  if (partial.length === 0) return null;
  const names = partial.slice(0, 3).map(valueKey).join(", ");
  const more = partial.length > 3 ? ` and ${partial.length - 3} more` : "";
  return `Weights act at every position, so this will be refused because of ${names}${more}.`;
}

function CommandLine({ run, onSave }: { run: RunFile; onSave(): void }) {
  const file = runName(run);
  const refused = cannotBake(run.interventions ?? []);
  return (
    <section className={styles.section} aria-label="Command line">
      <div className={styles.row}>
        <h3>From the command line, with the saved run</h3>
        <div className={styles.tools}>
          <Button onClick={onSave}>
            <Download aria-hidden /> Save run
          </Button>
        </div>
      </div>
      <Command text={`lm-debugger trace --run ${file}`} does="The trace, as a table" />
      <Command
        text={`lm-debugger bake --run ${file} edited/`}
        does={refused ?? "A checkpoint with the interventions in its weights, for any other tool"}
      />
    </section>
  );
}

function Command({ text, does }: { text: string; does: string }) {
  return (
    <div className={styles.command}>
      <code dir="ltr">{text}</code>
      <CopyButton text={text} label={`Copy “${text.split(" --")[0]}”`} />
      <small>{does}</small>
    </div>
  );
}
