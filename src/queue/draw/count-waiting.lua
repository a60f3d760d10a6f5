-- KEYS[1] the queue's prefix
-- result  how many wait in the queue
-- include: ../line/line
return waiting()
