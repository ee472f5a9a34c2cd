/** A token as text whose invisible parts are drawn, while its real characters stay in the page. */

import { Fragment, memo } from "react";
import { describeToken, segments, type TokenLike } from "@/lib/tokens";
import styles from "./Token.module.css";

interface Props {
  token: TokenLike;
  /** In place of what the token is. */
  title?: string | undefined;
  /** With a border and ground of its own. */
  chip?: boolean;
  /** Part of a running text: spaces between words are spaces. */
  flowing?: boolean;
}

export const TokenText = memo(function TokenText(props: Props) {
  const { token, title, chip = false, flowing = false } = props;
  const className = [
    styles.token,
    chip && styles.chip,
    flowing && styles.flowing,
    token.hex && styles.bytes,
  ]
    .filter(Boolean)
    .join(" ");
  return (
    <bdi className={className} title={title ?? describeToken(token)}>
      {segments(token).map((part, index) =>
        part.mark === null ? (
          // biome-ignore lint/suspicious/noArrayIndexKey: the segments of a token never move
          <Fragment key={index}>{part.text}</Fragment>
        ) : (
          // biome-ignore lint/suspicious/noArrayIndexKey: the segments of a token never move
          <span key={index} className={styles[part.kind]} data-mark={part.mark}>
            {part.text}
          </span>
        ),
      )}
    </bdi>
  );
});
