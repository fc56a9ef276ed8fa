"""A program of the tests: trains in a process of its own, to be killed or given several devices.

Arguments: data set; then, in turn, run directory and JSON config of each run. The environment variable LOGICAL_DEVICES
splits TensorFlow's CPU into so many devices.
"""

import json
import os
import sys

if n_devices := int(os.environ.get("LOGICAL_DEVICES", "0")):
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * n_devices)

from sfhmodel.training import config_from_dict, train

for out, config in zip(sys.argv[2::2], sys.argv[3::2], strict=True):
    print(json.dumps(train(sys.argv[1], out, config_from_dict(json.loads(config)))))
