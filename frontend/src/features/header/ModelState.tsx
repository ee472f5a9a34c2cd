/** In place of results while there is no model to give any: why, and what happens next. */

import { useEffect, useState } from "react";
import { asApiError } from "@/api/errors";
import { useModels } from "@/api/queries";
import { Failure } from "@/components/Failure";
import { useModel } from "@/state/model";
import { useSession } from "@/state/session";
import styles from "./ModelState.module.css";

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
  if (!models.data) return <Waiting text="Asking the server for its models" />;
  if (!model)
    return (
      <div className={styles.state} role="alert">
        <p>
          <strong>This server does not serve the model “{chosen}”.</strong> Choose one of its own in
          the header: {models.data.models.map(({ id }) => id).join(", ")}.
        </p>
      </div>
    );
  if (model.state === "failed")
    return (
      <div className={styles.state} role="alert">
        <p>
          <strong>The model {model.id} could not be loaded.</strong> {model.error}
        </p>
        <p>The server’s log has more. Start it again once the cause is gone.</p>
      </div>
    );
  return <Waiting text={`The model ${model.id} is loading`} />;
}

function Waiting({ text }: { text: string }) {
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setSeconds((count) => count + 1), 1_000);
    return () => clearInterval(timer);
  }, []);
  return (
    <div className={styles.state}>
      <p role="status">
        {text}… <span aria-hidden>{seconds > 0 && `${seconds} s`}</span>
      </p>
      <div className={styles.bar} aria-hidden />
      <p className={styles.quiet}>The page goes on by itself as soon as it is there.</p>
    </div>
  );
}
