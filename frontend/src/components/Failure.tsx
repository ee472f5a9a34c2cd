/** What went wrong, what can be done about it, and a way to try again. */

import { RotateCw, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { type ApiError, advice } from "@/api/errors";
import { Button } from "./Button";
import styles from "./Failure.module.css";

interface Props {
  error: ApiError;
  onRetry?: (() => void) | undefined;
  children?: ReactNode;
}

export function Failure({ error, onRetry, children }: Props) {
  return (
    <div className={styles.failure} role="alert">
      <TriangleAlert aria-hidden className={styles.sign} />
      <p>
        <strong>{error.message}</strong> {advice(error)}
      </p>
      {children}
      {onRetry && (
        <Button onClick={onRetry}>
          <RotateCw aria-hidden />
          Try again
        </Button>
      )}
    </div>
  );
}
