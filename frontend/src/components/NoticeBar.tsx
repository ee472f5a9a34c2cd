/** The one line about what just happened, or about how it stands with the server. */

import { X } from "lucide-react";
import { useEffect, useState } from "react";
import { useConnection } from "@/api/connection";
import { type Notice, useNotice } from "@/state/notice";
import { Button, IconButton } from "./Button";
import styles from "./NoticeBar.module.css";

/** How long a notice stays by itself; not while the pointer or the keyboard is on it. */
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

/**
 * When its time is up, a notice goes. One that offers something stays for whoever is slower, unless
 * there is something to say of the server; `hold` is for the time that somebody is on it.
 */
function useTime(notice: Notice | null, clear: () => void) {
  const [held, hold] = useState(false);
  const [old, setOld] = useState<Notice | null>(null);
  useEffect(() => {
    if (!notice) hold(false); // what is gone under the pointer tells no more
    if (!notice || held) return;
    const timer = setTimeout(() => (notice.action ? setOld(notice) : clear()), STAY);
    return () => clearTimeout(timer);
  }, [notice, held, clear]);
  return { isOld: old === notice, hold };
}

export function NoticeBar() {
  const { notice, clear } = useNotice();
  const { isOld, hold } = useTime(notice, clear);
  const standing = useStanding();
  const urgent = useConnection(({ lost }) => lost);
  const shown = urgent ? standing : isOld ? (standing ?? notice) : (notice ?? standing);
  return (
    <div role="status" className={styles.place}>
      {shown && (
        // biome-ignore lint/a11y/noStaticElementInteractions: they only stop the clock
        <div
          className={styles.notice}
          data-urgent={urgent || undefined}
          onPointerEnter={() => hold(true)}
          onPointerLeave={() => hold(false)}
          onFocus={() => hold(true)}
          onBlur={() => hold(false)}
        >
          <p title={shown.text}>{shown.text}</p>
          {shown.action && (
            <Button
              look="quiet"
              onClick={() => {
                shown.action?.run();
                if (shown === notice) clear();
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
