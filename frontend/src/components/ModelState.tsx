/** In place of results while there is no model to give any: why, and what happens next. */

import { useEffect, useState } from "react";
import { asApiError } from "@/api/errors";
import { useModels } from "@/api/queries";
import type { Model } from "@/api/types";
import { useModel } from "@/state/model";
import { useSession } from "@/state/session";
import { Button } from "./Button";
import { Failure } from "./Failure";
import styles from "./ModelState.module.css";
import { ProgressBar } from "./ProgressBar";
import { progressWords } from "./progress";

export function ModelState() {
  const models = useModels();
  const model = useModel();
  const chosen = useSession((state) => state.model);
  if (models.error && !models.data)
    return (
      <div className={styles.state}>
        <Failure error={asApiError(models.error)} onRetry={() => void models.refetch()} />
      </div>
    );
  if (!models.data)
    return (
      <div className={styles.state}>
        <p role="status">Asking the server for its models…</p>
        <Seconds />
      </div>
    );
  const others = models.data.models.filter(
    ({ id, state }) => id !== model?.id && state === "ready",
  );
  if (!model)
    return (
      <div className={styles.state} role="alert">
        <p>
          <strong>This server does not serve the model “{chosen}”.</strong>{" "}
          {others.length > 0 ? "Choose one of its own:" : "Its own are not ready yet."}
        </p>
        <Others models={others} from={chosen} />
      </div>
    );
  if (model.state === "failed")
    return (
      <div className={styles.state} role="alert">
        <p>
          <strong>The model {model.id} could not be loaded.</strong> {model.error}
        </p>
        <p className={styles.quiet}>
          The server’s log has more. It has to be started again once the cause is gone.
        </p>
        <Others models={others} from={model.id} />
      </div>
    );
  return <Loading model={model} others={others} />;
}

function Loading({ model, others }: { model: Model; others: readonly Model[] }) {
  return (
    <div className={styles.state}>
      <p role="status">The model {model.id} is loading…</p>
      <ProgressBar model={model} />
      <p className={styles.quiet}>
        {progressWords(model.progress)}. The page goes on by itself as soon as it is there.
      </p>
      <Seconds />
      <Others models={others} from={model.id} />
    </div>
  );
}

/** Models that answer already. */
function Others({ models, from }: { models: readonly Model[]; from: string | null }) {
  if (models.length === 0) return null;
  return (
    <div className={styles.others}>
      {models.map(({ id }) => (
        <Button key={id} onClick={() => useSession.getState().setModel(id, from)}>
          <span>
            Use <bdi>{id}</bdi>
          </span>
        </Button>
      ))}
    </div>
  );
}

function Seconds() {
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setSeconds((count) => count + 1), 1_000);
    return () => clearInterval(timer);
  }, []);
  return (
    <p aria-hidden className={styles.quiet}>
      {seconds > 1 ? `${seconds} s` : "\u00a0"}
    </p>
  );
}
