/** The one line about what just happened. It goes by itself unless it offers something. */

import { X } from "lucide-react";
import { useEffect } from "react";
import { useNotice } from "@/state/notice";
import { Button, IconButton } from "./Button";
import styles from "./NoticeBar.module.css";

const STAY = 7_000;

export function NoticeBar() {
  const { notice, clear } = useNotice();
  useEffect(() => {
    if (!notice) return;
    const timer = setTimeout(clear, STAY);
    return () => clearTimeout(timer);
  }, [notice, clear]);
  return (
    <div role="status" className={styles.place}>
      {notice && (
        <div className={styles.notice}>
          <p title={notice.text}>{notice.text}</p>
          {notice.action && (
            <Button
              look="quiet"
              onClick={() => {
                notice.action?.run();
                clear();
              }}
            >
              {notice.action.label}
            </Button>
          )}
          <IconButton label="Dismiss" onClick={clear}>
            <X aria-hidden />
          </IconButton>
        </div>
      )}
    </div>
  );
}
