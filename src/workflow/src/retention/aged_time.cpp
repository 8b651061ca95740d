#include "aged_time.hpp"

namespace wrench::workflow {

AgedTime::Look AgedTime::look(Micros now, Micros boot, std::optional<Micros> seen) {
  Look out;
  const Micros ahead = last_ ? now - (last_->now + (boot - last_->boot)) : 0;
  if (ahead > kRetentionJump) {
    if (!ahead_since_) {
      ahead_since_ = boot;
      out.jump = ahead;
    }
    if (boot - *ahead_since_ < kRetentionJumpBelieved) {
      out.again_at = now + settles_;
      return out;
    }
  }
  ahead_since_.reset();
  last_ = Seen{now, boot};
  if (!seen || *seen > now) {
    out.store = now;
    out.again_at = now + settles_;
  } else if (now - *seen < settles_) {
    out.again_at = *seen + settles_;
  } else {
    out.until = *seen;
    out.store = now;
  }
  return out;
}

}  // namespace wrench::workflow
