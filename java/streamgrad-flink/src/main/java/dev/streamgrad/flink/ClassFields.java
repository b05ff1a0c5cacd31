package dev.streamgrad.flink;

import dev.streamgrad.Field;
import dev.streamgrad.Row;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.AccessibleObject;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Type;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.java.typeutils.PojoTypeInfo;
import org.apache.flink.api.java.typeutils.TypeExtractor;

/**
 * The fields of a class: its public fields, and its getters {@code getHour()}, {@code isLate()} or {@code hour()}.
 *
 * <p>Reflection happens once; each record is read by a method handle, a primitive number without a box.
 */
final class ClassFields implements RecordFields {
    private static final MethodHandles.Lookup LOOKUP = MethodHandles.lookup();

    private final Class<?> type;
    /** What Flink found of it, or null if it is no POJO to Flink. */
    private final PojoTypeInfo<?> pojo;

    ClassFields(TypeInformation<?> type) {
        this.type = type.getTypeClass();
        this.pojo = type instanceof PojoTypeInfo ? (PojoTypeInfo<?>) type : null;
    }

    @Override
    public List<String> names() {
        Set<String> names = new TreeSet<>();
        for (java.lang.reflect.Field field : type.getFields()) {
            if (!Modifier.isStatic(field.getModifiers())) {
                names.add(field.getName());
            }
        }
        Arrays.stream(type.getMethods())
                .filter(method -> isGetter(method) && (isPrefixed(method) || hasField(method)))
                .map(method -> property(method.getName()))
                .forEach(names::add);
        return names.stream().collect(Collectors.toUnmodifiableList());
    }

    @Override
    public List<String> columns() {
        return pojo == null ? names() : List.of(pojo.getFieldNames());
    }

    private static boolean isGetter(Method method) {
        return method.getParameterCount() == 0
                && method.getReturnType() != void.class
                && !Modifier.isStatic(method.getModifiers())
                && method.getDeclaringClass() != Object.class
                && !Set.of("hashCode", "toString", "clone").contains(method.getName());
    }

    private static boolean isPrefixed(Method method) {
        return !property(method.getName()).equals(method.getName());
    }

    /** A method {@code hour()} is listed only if it looks like a field's, as a Java record's is. */
    private static boolean hasField(Method method) {
        return Arrays.stream(method.getDeclaringClass().getDeclaredFields())
                .anyMatch(field -> field.getName().equals(method.getName()));
    }

    private static String property(String method) {
        int prefix = method.matches("get[A-Z].*") ? 3 : method.matches("is[A-Z].*") ? 2 : 0;
        return prefix == 0 ? method : Character.toLowerCase(method.charAt(prefix)) + method.substring(prefix + 1);
    }

    @Override
    public RecordField field(String name) {
        Member member = find(name);
        if (member == null) {
            return null;
        }
        TypeInformation<?> information = information(name, member);
        Class<?> value = member.handle.type().returnType();
        ValueType type = ClassTypes.of(member.type);
        ObjectReader objects = new ObjectReader(member.handle);
        if (!value.isPrimitive() || value == char.class) {
            return new ObjectField(type, information, objects::get);
        }
        return new PrimitiveField(type, information, objects, primitiveReader(value, member.handle));
    }

    @Override
    public NestedField.Inner inner(String name) {
        Member member = find(name);
        if (member == null) {
            return null;
        }
        ObjectReader objects = new ObjectReader(member.handle);
        return NestedField.Inner.of(ClassTypes.of(member.type), information(name, member), objects::get);
    }

    private TypeInformation<?> information(String name, Member member) {
        if (pojo != null && pojo.hasField(name)) {
            return pojo.getTypeAt(name);
        }
        return TypeExtractor.createTypeInfo(member.type);
    }

    private static FieldReader primitiveReader(Class<?> value, MethodHandle handle) {
        if (value == float.class || value == double.class) {
            return new DoubleReader(handle);
        }
        return value == boolean.class ? new BooleanReader(handle) : new LongReader(handle);
    }

    /** A public field or a getter, and what it gives with its type parameters. */
    private static final class Member {
        final MethodHandle handle;
        final Type type;

        Member(MethodHandle handle, Type type) {
            this.handle = handle;
            this.type = type;
        }
    }

    private Member find(String name) {
        String capital = name.isEmpty() ? name : Character.toUpperCase(name.charAt(0)) + name.substring(1);
        try {
            java.lang.reflect.Field field = type.getField(name);
            if (!Modifier.isStatic(field.getModifiers())) {
                return new Member(LOOKUP.unreflectGetter(opened(field)), field.getGenericType());
            }
        } catch (NoSuchFieldException e) {
            // then a getter
        } catch (IllegalAccessException e) {
            throw new IllegalStateException(e);
        }
        for (String getter : new String[] {"get" + capital, "is" + capital, name}) {
            try {
                Method method = type.getMethod(getter);
                if (isGetter(method)) {
                    return new Member(LOOKUP.unreflect(opened(method)), method.getGenericReturnType());
                }
            } catch (NoSuchMethodException e) {
                // then the next
            } catch (IllegalAccessException e) {
                throw new IllegalStateException(e);
            }
        }
        return null;
    }

    /** A public member of a class that is not public needs this. */
    private static <M extends AccessibleObject> M opened(M member) {
        member.setAccessible(true);
        return member;
    }

    private static RuntimeException failure(Throwable e) {
        if (e instanceof Error) {
            throw (Error) e;
        }
        return e instanceof RuntimeException ? (RuntimeException) e : new IllegalStateException(e);
    }

    private static final class DoubleReader implements FieldReader {
        private final MethodHandle handle;

        DoubleReader(MethodHandle handle) {
            this.handle = handle.asType(MethodType.methodType(double.class, Object.class));
        }

        @Override
        public void copy(Object record, Row row, int field) {
            double value;
            try {
                value = (double) handle.invokeExact(record);
            } catch (Throwable e) {
                throw failure(e);
            }
            row.set(field, value);
        }

        @Override
        public boolean isNull(Object record) {
            return false;
        }
    }

    private static final class LongReader implements FieldReader {
        private final MethodHandle handle;

        LongReader(MethodHandle handle) {
            this.handle = handle.asType(MethodType.methodType(long.class, Object.class));
        }

        @Override
        public void copy(Object record, Row row, int field) {
            long value;
            try {
                value = (long) handle.invokeExact(record);
            } catch (Throwable e) {
                throw failure(e);
            }
            row.set(field, value);
        }

        @Override
        public boolean isNull(Object record) {
            return false;
        }
    }

    private static final class BooleanReader implements FieldReader {
        private final MethodHandle handle;

        BooleanReader(MethodHandle handle) {
            this.handle = handle.asType(MethodType.methodType(boolean.class, Object.class));
        }

        @Override
        public void copy(Object record, Row row, int field) {
            boolean value;
            try {
                value = (boolean) handle.invokeExact(record);
            } catch (Throwable e) {
                throw failure(e);
            }
            row.set(field, value);
        }

        @Override
        public boolean isNull(Object record) {
            return false;
        }
    }

    private static final class ObjectReader {
        private final MethodHandle handle;

        ObjectReader(MethodHandle handle) {
            this.handle = handle.asType(MethodType.methodType(Object.class, Object.class));
        }

        Object get(Object record) {
            try {
                return (Object) handle.invokeExact(record);
            } catch (Throwable e) {
                throw failure(e);
            }
        }
    }

    /** A number or truth value without a box. */
    private static final class PrimitiveField implements RecordField {
        private final ValueType type;
        private final TypeInformation<?> information;
        private final ObjectReader objects;
        private final FieldReader reader;

        PrimitiveField(ValueType type, TypeInformation<?> information, ObjectReader objects, FieldReader reader) {
            this.type = type;
            this.information = information;
            this.objects = objects;
            this.reader = reader;
        }

        @Override
        public ValueType type() {
            return type;
        }

        @Override
        public FieldReader reader(Field field) {
            return reader;
        }

        @Override
        public TypeInformation<?> information() {
            return information;
        }

        @Override
        public Object get(Object record) {
            return objects.get(record);
        }
    }
}
