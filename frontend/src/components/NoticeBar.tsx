/** The one line about what just happened, or about how it stands with the server. */

import { X } from "lucide-react";
import { useEffect } from "react";
import { useConnection } from "@/api/connection";
import { type Notice, useNotice } from "@/state/notice";
import { Button, IconButton } from "./Button";
import styles from "./NoticeBar.module.css";

const STAY = 7_000;
const RELOAD = { label: "Reload", run: () => location.reload() };

/** How it stands with the server; null when all is well. It holds until it changes by itself. */
function useStanding(): Notice | null {
  const { lost, waiting, other, incomplete } = useConnection();
  if (lost)
    return { text: "The server cannot be reached. The page goes on by itself once it is back." };
  if (other || incomplete)
    return { text: "The server was updated. Reloading the page loses nothing.", action: RELOAD };
  if (waiting > 0) return { text: `The server is slow: an answer has been due for ${waiting} s.` };
  return null;
}

export function NoticeBar() {
  const { notice, clear } = useNotice();
  const standing = useStanding();
  const urgent = useConnection(({ lost }) => lost);
  useEffect(() => {
    if (!notice) return;
    const timer = setTimeout(clear, STAY);
    return () => clearTimeout(timer);
  }, [notice, clear]);
  const shown = urgent ? standing : (notice ?? standing);
  return (
    <div role="status" className={styles.place}>
      {shown && (
        <div className={styles.notice} data-urgent={urgent || undefined}>
          <p title={shown.text}>{shown.text}</p>
          {shown.action && (
            <Button
              look="quiet"
              onClick={() => {
                shown.action?.run();
                clear();
              }}
            >
              {shown.action.label}
            </Button>
          )}
          {shown === notice && (
            <IconButton label="Dismiss" onClick={clear}>
              <X aria-hidden />
            </IconButton>
          )}
        </div>
      )}
    </div>
  );
}
